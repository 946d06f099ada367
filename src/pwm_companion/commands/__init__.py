"""The commands of ``pwm``, one a file: `DESCRIPTION`, `add_arguments` and `run`."""
