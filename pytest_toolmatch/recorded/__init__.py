"""What a teacher is recorded to have done, case by case: what others are trained on, here or elsewhere."""
