"""Holds DICOMweb answers against the standard by other people's programs: dicomweb-client asks,
pydicom reads what comes, and the standard's own tables, as highdicom carries them, say which
attributes an instance must have (PS3.3) and a search must answer (PS3.18 tables 10.6.3-3 to -5)."""

import sys

from dicomweb_client.api import DICOMwebClient
from highdicom import _standard_utils as standard
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.uid import VLWholeSlideMicroscopyImageStorage, UID

STUDY = [
    "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "ReferringPhysicianName",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID",
    "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances",
]
SERIES = ["Modality", "SeriesInstanceUID", "SeriesNumber", "NumberOfSeriesRelatedInstances"]
INSTANCE = ["SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames"]

faults = []


def has(data, keyword, where):
    if tag_for_keyword(keyword) not in data:
        faults.append(f"{where}: {keyword} is missing")


def items(data, path):
    """The data sets at a path of sequences; nothing where one is not there."""
    found = [data]
    for keyword in path:
        found = [item for above in found if keyword in above for item in above[keyword].value]
    return found


def check_instance(data, where):
    """Every attribute of type 1 and 2 of the mandatory modules; conditions are not judged here."""
    iod = standard.get_sop_class_iod_map()[data.SOPClassUID]
    attributes = standard.get_module_attribute_map()
    for module in standard.get_iod_module_map()[iod]:
        if module["usage"] != "M":
            continue
        for attribute in attributes[module["key"]]:
            path, keyword, kind = attribute["path"], attribute["keyword"], attribute["type"]
            # Functional groups have usages of their own, which these tables do not hold.
            group = path and path[-1].endswith("FunctionalGroupsSequence")
            if kind not in ("1", "2") or group:
                continue
            for item in items(data, path):
                place = f"{where} {module['key']}/{'/'.join([*path, keyword])} (type {kind})"
                if keyword not in item:
                    faults.append(f"{place} is missing")
                elif kind == "1" and item[keyword].is_empty:
                    faults.append(f"{place} is empty")


base, unknown = sys.argv[1:]
client = DICOMwebClient(f"{base}/dicomweb")
read = Dataset.from_json
studies = [read(found) for found in client.search_for_studies()]
assert studies, "no study"
for study in studies:
    for keyword in STUDY:
        has(study, keyword, "QIDO study")
    uid = study.StudyInstanceUID
    assert UID(uid).is_valid
    same = client.search_for_studies(search_filters={"StudyInstanceUID": uid})
    assert [read(found).StudyInstanceUID for found in same] == [uid], same
    for found in map(read, client.search_for_series(uid)):
        for keyword in SERIES:
            has(found, keyword, "QIDO series")
        series = found.SeriesInstanceUID
        instances = [read(one) for one in client.search_for_instances(uid, series)]
        assert len(instances) == found.NumberOfSeriesRelatedInstances
        for instance in instances:
            for keyword in INSTANCE:
                has(instance, keyword, "QIDO instance")
        part = client.search_for_instances(uid, series, limit=1, offset=1)
        assert [read(one).SOPInstanceUID for one in part] == [one.SOPInstanceUID for one in instances[1:2]]
        described = [read(one) for one in client.retrieve_series_metadata(uid, series)]
        assert {one.SOPInstanceUID for one in described} == {one.SOPInstanceUID for one in instances}
        for data in described:
            assert data.SOPClassUID == VLWholeSlideMicroscopyImageStorage
            check_instance(data, f"instance {data.InstanceNumber}")
            alone = client.retrieve_instance_metadata(uid, series, data.SOPInstanceUID)
            assert read(alone) == data, "an instance alone is described otherwise"
            last = int(data.NumberOfFrames)
            frames = client.retrieve_instance_frames(
                uid, series, data.SOPInstanceUID, frame_numbers=[1, last],
                media_types=(("image/jpeg", "1.2.840.10008.1.2.4.50"),),
            )
            assert [frame[:2] for frame in frames] == [b"\xff\xd8"] * 2, "frames are JPEG streams"
assert client.search_for_studies(search_filters={"StudyInstanceUID": unknown}) == []
if faults:
    sys.exit("\n".join(sorted(set(faults))))
print("conforms", len(studies))
