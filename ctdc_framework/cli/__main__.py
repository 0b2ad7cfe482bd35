"""Let `python -m ctdc_framework.cli` be the command."""

from ctdc_framework.cli import main

main()
