# SPDX-License-Identifier: Apache-2.0
"""The parts of bench/figures and bench/compare."""
