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
    assert group.tracking_identifier == region["id"]
    data = group.roi.value
    if region["point"]:
        assert group.roi.graphic_type == hd.sr.GraphicTypeValues.POINT, group.roi.graphic_type
        assert np.allclose(data, [region["point"]], atol=0.01), data
        assert not group.get_measurements(), "a point has no area"
        continue
    assert group.roi.graphic_type == hd.sr.GraphicTypeValues.POLYLINE
    assert np.array_equal(data[0], data[-1]), "the line is closed"
    assert np.allclose(data[:-1], region["outer"], atol=0.01), data
    area = [m for m in group.get_measurements() if m.name.value == "42798000"]
    assert abs(area[0].value - region["area_mm2"]) < 1e-6, area[0].value

annotations = pydicom.dcmread(annotations_path)
parsed = hd.ann.MicroscopyBulkSimpleAnnotations.from_dataset(annotations)
found = []
for group in parsed.get_annotation_groups():
    is_point = group.graphic_type == hd.ann.GraphicTypeValues.POINT
    assert is_point or group.graphic_type == hd.ann.GraphicTypeValues.POLYGON, group.graphic_type
    assert not is_point or "LongPrimitivePointIndexList" not in group
    for drawn in group.get_graphic_data(coordinate_type="2D"):
        found.append((group.annotated_property_type.value, is_point, drawn))
assert len(found) == len(expected["regions"]), len(found)
for region in expected["regions"]:
    wanted = [region["point"]] if region["point"] else region["outer"]
    fits = [
        drawn
        for label, is_point, drawn in found
        if label == region["label"]
        and is_point == bool(region["point"])
        and len(drawn) == len(wanted)
        and np.allclose(drawn, wanted, atol=0.01)
    ]
    assert len(fits) == 1, (region["label"], found)
reference = annotations.ReferencedImageSequence[0].ReferencedSOPInstanceUID
assert reference == expected["image"], reference
print(f"judged {len(found)}, points {sum(is_point for _, is_point, _ in found)}")
