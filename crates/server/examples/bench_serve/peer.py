"""An OpenSlide Deep Zoom server, as its own example does it, on threads with kept connections."""

import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openslide import OpenSlide
from openslide.deepzoom import DeepZoomGenerator

local = threading.local()
path, edge = sys.argv[1], int(sys.argv[2])


def generator():
    if not hasattr(local, "zoom"):
        local.zoom = DeepZoomGenerator(OpenSlide(path), tile_size=edge, overlap=0)
    return local.zoom


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together and at once: else every answer waits for the client's delayed
    # acknowledgement, 40 ms that are not OpenSlide's.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        level, place = self.path.strip("/").split("/")
        column, row = place.split(".")[0].split("_")
        tile = generator().get_tile(int(level), (int(column), int(row)))
        buffer = io.BytesIO()
        tile.save(buffer, "jpeg", quality=75)
        body = buffer.getvalue()
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
