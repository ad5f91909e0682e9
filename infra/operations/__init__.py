"""`sessionctl`: what an operator does with a deployment, on a desk and in the cloud alike."""
