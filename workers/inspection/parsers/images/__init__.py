"""The structure of each image format: dimensions, frames and the end of the image, before anything is decoded."""
