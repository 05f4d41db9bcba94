"""Ways to open one image file safely: Pillow formats, TIFFs, rasters with many bands, limits."""
