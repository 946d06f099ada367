#!/usr/bin/env bash
# Computes everything that the book says, builds it into build/html, and compares every number with
# the stored ones. Needs Python >= 3.11, make and git, 3 GB of disk and 4 GB of memory; minutes.
set -euo pipefail
cd "$(dirname "$0")"
make book
make verify
