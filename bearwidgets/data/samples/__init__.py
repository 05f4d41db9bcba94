"""The made-up bears: scenes drawn from a seed, with planted faults and an answer key."""
