"""`nbs.map` and `nbs.map.resume`: what is asked for is checked, and a map is put together."""
