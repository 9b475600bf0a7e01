"""What a hedge wants and may do: signals, execution, limits. Frozen values that know no venue."""
