"""What `dancepose-benchmark` measures, one file for each part of the stream."""
