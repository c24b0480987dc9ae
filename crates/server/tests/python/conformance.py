"""Holds DICOMweb answers against PS3.18, a check a line: what a conformance checker is to look at
(content negotiation, multipart, paging, attributes, frames, storing, transfer syntaxes, refusals),
asked by requests and dicomweb-client and read by pydicom and highdicom. The study has signed
findings; the names of checks name the sections."""

import io
import re
import sys
import traceback

import highdicom as hd
import numpy as np
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import Dataset

base, token, label = sys.argv[1:]
root = f"{base}/dicomweb"
web = requests.Session()
client = DICOMwebClient(root, headers={"X-CSRF-Token": token})
JPEG, EXPLICIT = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1"
SM, SR, ANN = "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.91.1"
checks, faults = [], []


def check(function):
    checks.append(function)
    return function


def get(path, accept=None, status=200, **parameters):
    answer = web.get(path if path.startswith("http") else root + path, params=parameters,
                     headers={"Accept": accept} if accept else {"Accept": None})
    assert answer.status_code == status, (path, accept, answer.status_code, answer.text[:200])
    return answer


def parts(answer):
    """The parts of a body as RFC 2046 has them, each with its headers; nothing else is let pass."""
    kind = answer.headers["Content-Type"]
    boundary = re.search(r'boundary="?([^";]+)"?', kind).group(1).encode()
    assert kind.startswith("multipart/related") and 'type="' in kind, kind
    body = answer.content
    assert body.startswith(b"--" + boundary + b"\r\n") and body.rstrip().endswith(b"--" + boundary + b"--")
    found = []
    for part in body.split(b"--" + boundary)[1:-1]:
        assert part.startswith(b"\r\n") and part.endswith(b"\r\n")
        head, content = part[2:-2].split(b"\r\n\r\n", 1)
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        if "Content-Length" in headers:
            assert int(headers["Content-Length"]) == len(content)
        found.append((headers, content))
    return found


def path(line):
    value = lambda tag: line[tag]["Value"][0]
    return f"/studies/{value('0020000D')}/series/{value('0020000E')}/instances/{value('00080018')}"


lines = get("/instances").json()
of_class = lambda uid: [line for line in lines if line["00080016"]["Value"][0] == uid]
levels, report, marks = of_class(SM), of_class(SR)[0], of_class(ANN)[0]
largest = max(levels, key=lambda line: line["00480006"]["Value"][0])
study = f"/studies/{largest['0020000D']['Value'][0]}"


@check
def content_negotiation_8_7():
    for accept in [None, "*/*", "application/dicom+json", "application/json"]:
        assert get("/studies", accept).headers["Content-Type"] == "application/dicom+json"
    get("/studies", "text/html", 406)
    get(path(largest) + "/metadata", 'multipart/related; type="application/dicom+xml"', 406)
    get(path(largest) + "/frames/1", 'multipart/related; type="image/jp2"', 406)
    get(path(largest) + "/rendered", "video/mp4", 406)
    assert get(path(largest) + "/rendered", "image/png").headers["Content-Type"] == "image/png"


@check
def multipart_is_correct_8_6_1():
    (headers, content), = parts(get(path(report)))
    assert headers["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}", headers
    assert pydicom.dcmread(io.BytesIO(content)).SOPClassUID == SR
    whole = parts(get(study))
    uids = {pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID for _, content in whole}
    assert uids == {line["00080018"]["Value"][0] for line in lines}, uids
    one = get(path(report), "application/dicom")
    assert one.headers["Content-Type"] == "application/dicom" and one.content[128:132] == b"DICM"
    get(study, "application/dicom", 406)


@check
def paging_10_6_1_2_4():
    for kind in ["studies", "series", "instances"]:
        everything = get(f"/{kind}").json()
        page = [get(f"/{kind}", limit=1, offset=at).json() for at in range(len(everything) + 1)]
        assert [line for lines in page for line in lines] == everything and page[-1] == []
    assert "additional results" in get("/instances", limit=1).headers["Warning"]
    assert "Warning" not in get("/instances").headers
    assert "fuzzymatching" in get("/studies", fuzzymatching="true").headers["Warning"]


@check
def matching_10_6_1_2():
    line, = get("/studies").json()
    patient = line["00100020"]["Value"][0]
    for name, value in [
        ("StudyInstanceUID", line["0020000D"]["Value"][0]), ("PatientID", patient), ("00100020", patient[:3] + "*"),
        ("PatientID", "?" * len(patient)), ("ModalitiesInStudy", "SR"), ("Modality", "ANN"),
        ("SeriesInstanceUID", report["0020000E"]["Value"][0]), ("SOPInstanceUID", marks["00080018"]["Value"][0]),
    ]:
        assert get("/studies", **{name: value}).json() == [line], (name, value)
    # What every server of studies must be searchable by, whether it knows a value or not (PS3.18, section 10.6.1.2).
    for name in ["StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID",
                 "PerformedProcedureStepStartDate", "00400275.00401001"]:
        assert get("/studies", **{name: "7"}).json() == [], name
        assert get("/studies", **{name: ""}).json() == [line], name
    for name, value in [("PatientID", "nobody*"), ("ModalitiesInStudy", "CT"), ("StudyInstanceUID", "1.2.3")]:
        assert get("/studies", **{name: value}).json() == [], (name, value)
    assert sorted(line["00080061"]["Value"]) == ["ANN", "SM", "SR"]
    assert line["00201208"]["Value"] == [len(lines)] and line["00201206"]["Value"] == [3]
    assert {one["00080060"]["Value"][0] for one in get("/series", Modality="SR,ANN").json()} == {"SR", "ANN"}


@check
def required_attributes_10_6_3():
    answered = {
        "studies": ["00080020", "00080030", "00080050", "00080061", "00080090", "00100010", "00100020",
                    "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208"],
        "series": ["00080060", "0020000E", "00200011", "00201209"],
        "instances": ["00080016", "00080018", "00200013"],
    }
    for kind, tags in answered.items():
        for line in get(f"/{kind}", Modality="SM").json():
            assert all(tag in line for tag in tags), (kind, set(tags) - set(line))
    extra = get(path(largest).rsplit("/", 1)[0], includefield="ImageType,00480105").json()[0]
    assert extra["00080008"]["Value"][2] == "VOLUME" and "00480105" in extra
    assert "00280103" in get("/instances", includefield="all", limit=1).json()[0]


@check
def frames_10_4_1_1_6():
    count = largest["00280008"]["Value"][0]
    some = [1, count, 2]
    answer = get(path(largest) + "/frames/" + ",".join(map(str, some)), 'multipart/related; type="image/jpeg"')
    frames = [content for headers, content in parts(answer)]
    alone = [parts(get(path(largest) + f"/frames/{number}"))[0][1] for number in some]
    assert frames == alone, "frames come in the order in which they were asked for"
    assert Image.open(io.BytesIO(frames[0])).size == (largest["00280011"]["Value"][0], largest["00280010"]["Value"][0])
    for bad, status in [("0", 404), (str(count + 1), 404), ("1,x", 400), ("1-2", 400), ("", 404)]:
        get(path(largest) + f"/frames/{bad}", status=status)


@check
def whole_files_10_4_1_1_1():
    for line in levels:
        uids = path(line).split("/")[2::2]
        data = client.retrieve_instance(*uids, media_types=(("application/dicom", "*"),))
        assert data.file_meta.TransferSyntaxUID == JPEG and data.SOPInstanceUID == uids[2]
        assert data.NumberOfFrames == line["00280008"]["Value"][0] and data.SOPClassUID == SM
        fragments = list(pydicom.encaps.generate_frames(data.PixelData, number_of_frames=data.NumberOfFrames))
        first = parts(get(path(line) + "/frames/1"))[0][1]
        assert len(fragments) == data.NumberOfFrames and fragments[0].rstrip(b"\0") == first.rstrip(b"\0")
        described = Dataset.from_json(client.retrieve_instance_metadata(*uids), bulk_data_uri_handler=lambda uri: b"")
        for element in described:
            same = element.VR == "SQ" or element.keyword == "AvailableTransferSyntaxUID" or data[element.tag] == element
            # A float of the file has four bytes, its number in JSON has eight.
            near = element.VR == "FL" and np.allclose(data[element.tag].value, element.value)
            assert same or near, element
    series = "/".join(path(largest).split("/")[:5])
    assert len(parts(get(series))) == len(levels)


@check
def transfer_syntaxes_8_7_3():
    get(path(largest), f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}', 406)
    get(path(largest), f'multipart/related; type="application/dicom"; transfer-syntax={JPEG}')
    get(path(report), f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}')
    get(path(report), f'multipart/related; type="application/dicom"; transfer-syntax={JPEG}', 406)
    get(path(report), 'multipart/related; type="application/dicom"; transfer-syntax=*')


@check
def documents_and_bulk_data_10_4_1_1_5():
    uids = path(marks).split("/")[2::2]
    plain = client.retrieve_instance_metadata(*uids)
    group = plain["006A0002"]["Value"][0]
    uri = group["00660016"]["BulkDataURI"]
    many, = client.retrieve_bulkdata(uri)
    single = get(uri, "application/octet-stream").content
    file = client.retrieve_instance(*uids)
    assert many == single == file.AnnotationGroupSequence[0].PointCoordinatesData
    parsed = hd.ann.MicroscopyBulkSimpleAnnotations.from_dataset(file)
    polygons = parsed.get_annotation_groups()[0].get_graphic_data(coordinate_type="2D")
    assert np.allclose(np.concatenate(polygons), np.frombuffer(single, "<f4").reshape(-1, 2))
    told = Dataset.from_json(plain, bulk_data_uri_handler=lambda uri: client.retrieve_bulkdata(uri)[0])
    assert hd.ann.MicroscopyBulkSimpleAnnotations.from_dataset(told).get_annotation_groups()
    get(uri[:-1] + "9", status=404)
    get(uri, "image/jpeg", 406)
    told = Dataset.from_json(client.retrieve_instance_metadata(*path(report).split("/")[2::2]))
    assert hd.sr.ComprehensiveSR.from_dataset(told).content.get_planar_roi_measurement_groups()


@check
def rendered_and_thumbnails_10_4_1_1_3():
    size = lambda answer: Image.open(io.BytesIO(answer.content)).size
    across, down = (largest[tag]["Value"][0] for tag in ("00480006", "00480007"))
    whole = size(get(path(largest) + "/rendered", viewport="300,200"))
    assert max(whole[0] / 300, whole[1] / 200) == 1 and abs(whole[0] / whole[1] - across / down) < 0.02, whole
    assert size(get(path(largest) + "/rendered", viewport="300,200,10,10,100,50")) == (100, 50)
    assert client.retrieve_instance_rendered(*path(largest).split("/")[2::2], media_types=("image/jpeg",))[:2] == b"\xff\xd8"
    series = "/".join(path(largest).split("/")[:5])
    for where in [study, series, path(largest), path(largest) + "/frames/1"]:
        assert max(size(get(where + "/thumbnail"))) <= 512, where
    get(path(largest) + "/rendered", status=400, viewport="0,0")
    get(path(report) + "/rendered", status=404)


def written(file):
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, file)
    return stream.getvalue()


def send(files, status):
    """Stores files in one body, as the standard has it."""
    body = b""
    for file in files:
        body += b"--b\r\nContent-Type: application/dicom\r\n\r\n" + written(file) + b"\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=b'
    answer = web.post(root + "/studies", data=body + b"--b--\r\n", headers={"Content-Type": kind, "X-CSRF-Token": token})
    assert answer.status_code == status, (answer.status_code, answer.text)
    return answer


@check
def storing_10_5():
    image = Dataset.from_json(client.retrieve_instance_metadata(*path(largest).split("/")[2::2]),
                              bulk_data_uri_handler=lambda uri: b"")
    group = hd.ann.AnnotationGroup(
        number=1, uid=hd.UID(), label=label,
        annotated_property_category=hd.sr.CodedConcept("49755003", "SCT", "Morphologically abnormal structure"),
        annotated_property_type=hd.sr.CodedConcept(label[:16], "99SITE", label),
        graphic_type=hd.ann.GraphicTypeValues.POLYGON, algorithm_type=hd.ann.AnnotationGroupGenerationTypeValues.MANUAL,
        graphic_data=[np.array([[1.0, 2.0], [30.0, 2.5], [28.0, 40.0]])],
    )
    def annotations():
        made = hd.ann.MicroscopyBulkSimpleAnnotations(
            source_images=[image], annotation_coordinate_type=hd.ann.AnnotationCoordinateTypeValues.SCOORD,
            annotation_groups=[group], series_instance_uid=hd.UID(), series_number=7, sop_instance_uid=hd.UID(),
            instance_number=1, manufacturer="Foreign", manufacturer_model_name="Foreign", software_versions="1",
            device_serial_number="1",
        )
        block = made.private_block(0x0099, "Foreign", create=True)
        block.add_new(1, "LO", "kept")
        block.add_new(2, "FD", [1.5, -2.25])
        return made
    good, other_class, named = annotations(), annotations(), annotations()
    other_class.SOPClassUID = other_class.file_meta.MediaStorageSOPClassUID = SM
    # Data sets that are made of one image share its elements.
    del named.PatientName
    named.PatientName = "Zhang^San"
    answer = Dataset.from_json(send([good, other_class, named], 202).json())
    failed = {item.ReferencedSOPInstanceUID: item.FailureReason for item in answer.FailedSOPSequence}
    assert failed == {other_class.SOPInstanceUID: 0x0122, named.SOPInstanceUID: 0xC000}, failed
    stored, = answer.ReferencedSOPSequence
    assert stored.ReferencedSOPInstanceUID == good.SOPInstanceUID
    (_, content), = parts(get(stored.RetrieveURL))
    assert content == written(good), "it comes back byte by byte"
    assert pydicom.dcmread(io.BytesIO(content)).private_block(0x0099, "Foreign")[2].value == [1.5, -2.25]
    told = get(stored.RetrieveURL + "/metadata").json()[0]
    assert told["00991002"] == {"vr": "FD", "Value": [1.5, -2.25]} and told["00080018"]["Value"] == [good.SOPInstanceUID]
    assert get("/instances", SOPInstanceUID=good.SOPInstanceUID).json()[0]["00080060"]["Value"] == ["ANN"]
    changed = annotations()
    changed.SOPInstanceUID = changed.file_meta.MediaStorageSOPInstanceUID = good.SOPInstanceUID
    answer = send([changed], 409)
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111], answer.text
    send([], 400)
    headers = {"Content-Type": "application/dicom", "X-CSRF-Token": token}
    assert web.post(root + "/studies", data=b"x", headers=headers).status_code == 400


@check
def malformed_requests_8_5():
    for where, status, parameters in [
        ("/studies", 400, {"limit": "many"}), ("/studies", 400, {"offset": "-1"}), ("/studies", 400, {"Nonsense": "1"}),
        ("/studies/1.2.3/metadata", 404, {}), ("/studies/1.2.3", 404, {}), (f"{study}/series/1.2.3/instances", 404, {}),
        (f"{study}/series/1.2.3", 404, {}), (path(largest)[:-2] + "/metadata", 404, {}), (path(largest)[:-2], 404, {}),
    ]:
        get(where, status=status, **parameters)
    assert web.delete(root + study, headers={"X-CSRF-Token": token}).status_code == 405


for function in checks:
    try:
        function()
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        faults.append(f"{function.__name__} ({line.lineno}): {type(error).__name__}: {error}")
if faults:
    sys.exit("\n".join(faults))
print("holds", len(checks))
