"""Checks for the exercises of chapter 4."""
import torch

from ch01_intro.exercises import Wrong, check
