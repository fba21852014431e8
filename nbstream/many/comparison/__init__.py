"""Several answers to one prompt, beside each other: how they are asked, drawn, judged and kept."""
