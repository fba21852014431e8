"""Where answers are drawn. Surfaces are siblings behind one protocol; none inherits from another."""
