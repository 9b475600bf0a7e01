"""One pool of money: the ledger that several processes draw on."""
