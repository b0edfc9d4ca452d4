"""Checks for the exercises of chapter 3."""
import torch

from ch01_intro.exercises import Wrong, check
