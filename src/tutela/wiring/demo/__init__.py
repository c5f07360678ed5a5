"""The main job on drawn pictures, on this machine alone."""
