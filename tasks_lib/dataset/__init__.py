"""Datasets: samples from files and lists, their ids, and the choice of some of them."""

from tasks_lib.dataset._dataset import Dataset, MemoryDataset
from tasks_lib.dataset._digest import dataset_digest, sample_digest
from tasks_lib.dataset._examples import example_dataset
from tasks_lib.dataset._fields import FieldSpec
from tasks_lib.dataset._files import csv_dataset, file_dataset, json_dataset
from tasks_lib.dataset._hf import hf_dataset
from tasks_lib.dataset._ids import check_ids
from tasks_lib.dataset._images import with_images
from tasks_lib.dataset._select import SampleView, check_selection, select_samples
from tasks_lib.schema import RecordToSample, Sample

__all__ = [
    "Dataset",
    "FieldSpec",
    "MemoryDataset",
    "RecordToSample",
    "Sample",
    "SampleView",
    "check_ids",
    "check_selection",
    "csv_dataset",
    "dataset_digest",
    "example_dataset",
    "file_dataset",
    "hf_dataset",
    "json_dataset",
    "sample_digest",
    "select_samples",
    "with_images",
]
