"""The mock provider over TLS: one answer, asyncio. Writes its CA beside the results."""

import asyncio
import ssl
import sys

import trustme

from tests.bench.machine import WORK

_BODY = (
    b'{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,'
    b'"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":'
    b'"The capital of France is Paris.","refusal":null},"logprobs":null,'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":25,"completion_tokens":8,'
    b'"total_tokens":33}}'
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
    + str(len(_BODY)).encode()
    + b"\r\n\r\n"
    + _BODY
)


class _Mock(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        while True:
            head, end, tail = data.partition(b"\r\n\r\n")
            if not end:
                break
            at = head.lower().index(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n")[0])
            if len(tail) < size:
                break
            self._transport.write(_ANSWER)  # type: ignore[attr-defined]
            data = tail[size:]
        self._rest = data


async def _serve(port: int) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Mock, "127.0.0.1", port, ssl=context)
    authority.cert_pem.write_to_path(WORK / "ca.pem")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
