"""How rows are asked: so many at once as their servers take, on this engine or in other processes."""
