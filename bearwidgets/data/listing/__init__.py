"""Ways in: a folder, a table, another library's data set, a fastai or FastClass folder to import."""
