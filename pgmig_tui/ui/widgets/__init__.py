"""What screens are made of: widgets that get values and draw them."""
