"""Readers: each makes Frames of one annotation format; nothing after a reader knows which it was."""
