"""From files to batches: readers, splits, transforms, samplers, data sets, the data module."""
