//! Legs' tops and walks in one unit and one currency.
