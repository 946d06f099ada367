"""The commands of ``pwm``, one file each."""
