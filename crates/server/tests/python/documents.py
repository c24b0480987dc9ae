"""Judges a DICOM SR and bulk annotations: pydicom reads them, highdicom parses their templates."""

import json
import sys

import highdicom as hd
import numpy as np
import pydicom

report_path, annotations_path, expected_path = sys.argv[1:]
expected = json.load(open(expected_path))

report = pydicom.dcmread(report_path)
parsed = hd.sr.ComprehensiveSR.from_dataset(report)
assert report.VerificationFlag == "VERIFIED" and report.CompletionFlag == "COMPLETE"
assert report.PatientID == expected["patient"] and str(report.PatientName) == ""
assert report.StudyInstanceUID == expected["study"]
groups = parsed.content.get_planar_roi_measurement_groups()
assert len(groups) == len(expected["regions"]), len(groups)
for group, region in zip(groups, expected["regions"], strict=True):
    assert group.finding_type.value == region["label"], group.finding_type
    data = group.roi.value
    assert group.roi.graphic_type == hd.sr.GraphicTypeValues.POLYLINE
    assert np.array_equal(data[0], data[-1]), "the line is closed"
    assert np.allclose(data[:-1], region["outer"], atol=0.01), data
    area = [m for m in group.get_measurements() if m.name.value == "42798000"]
    assert abs(area[0].value - region["area_mm2"]) < 1e-6, area[0].value
    assert group.tracking_identifier == region["id"]

annotations = pydicom.dcmread(annotations_path)
parsed = hd.ann.MicroscopyBulkSimpleAnnotations.from_dataset(annotations)
found = []
for group in parsed.get_annotation_groups():
    for polygon in group.get_graphic_data(coordinate_type="2D"):
        found.append((group.annotated_property_type.value, polygon))
assert len(found) == len(expected["regions"]), len(found)
for region in expected["regions"]:
    fits = [
        polygon
        for label, polygon in found
        if label == region["label"]
        and len(polygon) == len(region["outer"])
        and np.allclose(polygon, region["outer"], atol=0.01)
    ]
    assert len(fits) == 1, (region["label"], found)
reference = annotations.ReferencedImageSequence[0].ReferencedSOPInstanceUID
assert reference == expected["image"], reference
print("judged", len(found))
