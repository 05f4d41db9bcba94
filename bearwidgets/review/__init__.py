"""What looks wrong: scores per item, confusion, effect."""
