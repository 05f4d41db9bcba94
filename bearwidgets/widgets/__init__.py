"""The views in the notebook; they show and ask, they do not compute."""
