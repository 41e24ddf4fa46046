"""Test time: geometry, prediction and drawing, for validation, evaluation and users' photographs alike."""
