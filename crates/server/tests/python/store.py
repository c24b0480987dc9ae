"""Stores annotations that highdicom made, by dicomweb-client."""

import sys

import highdicom as hd
import numpy as np
from dicomweb_client import DICOMwebClient
from pydicom import Dataset
from pydicom.sr.codedict import codes

base, token, label = sys.argv[1:]
client = DICOMwebClient(f"{base}/dicomweb", headers={"X-CSRF-Token": token})
study = client.search_for_studies()[0]["0020000D"]["Value"][0]
found = [Dataset.from_json(line) for line in client.retrieve_study_metadata(study)]
image = max(found, key=lambda line: line.TotalPixelMatrixColumns)
polygons = [
    np.array([[10.0, 20.0], [300.0, 25.0], [280.0, 400.0]]),
    np.array([[500.0, 500.0], [700.0, 500.0], [700.0, 700.0], [500.0, 700.0]]),
]
family = codes.cid7162.ArtificialIntelligence
points = [np.array([[30.5, 60.25]]), np.array([[900.0, 800.0]])]
types = hd.ann.GraphicTypeValues
groups = [
    hd.ann.AnnotationGroup(
        number=number,
        uid=hd.UID(),
        label=label,
        annotated_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        annotated_property_type=hd.sr.CodedConcept(label[:16], "99SITE", label),
        graphic_type=graphic_type,
        graphic_data=data,
        algorithm_type=hd.ann.AnnotationGroupGenerationTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="Foreign finder", version="2.1", family=family
        ),
    )
    for number, (graphic_type, data) in enumerate([(types.POLYGON, polygons), (types.POINT, points)], 1)
]
annotations = hd.ann.MicroscopyBulkSimpleAnnotations(
    source_images=[image],
    annotation_coordinate_type=hd.ann.AnnotationCoordinateTypeValues.SCOORD,
    annotation_groups=groups,
    series_instance_uid=hd.UID(),
    series_number=7,
    sop_instance_uid=hd.UID(),
    instance_number=1,
    manufacturer="Foreign",
    manufacturer_model_name="Foreign",
    software_versions="1",
    device_serial_number="1",
)
for _ in range(2):
    answer = client.store_instances([annotations])
    assert len(answer.ReferencedSOPSequence) == 1, answer
print("stored")
