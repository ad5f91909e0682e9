"""What runs the families: stacks for AWS, and a platform for a desk."""
