"""What is traded and how it is measured: exact units of goods, money and time."""
