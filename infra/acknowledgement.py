"""Findings of cdk-nag that stay: each is said beside what it is about, with the reason, and holds for nothing else."""

from aws_cdk import Acknowledgment, Validations
from constructs import Construct


def acknowledge(construct: Construct, finding: str, *, because: str) -> None:
    """`finding` is the rule of AwsSolutions with its details, as the report of `make synth` writes it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=because))
