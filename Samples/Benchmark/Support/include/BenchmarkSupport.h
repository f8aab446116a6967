/* SHA-1 and base64, for the WebSocket handshake and for binary data over polling. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Twenty bytes of digest. */
void benchmark_sha1(const uint8_t *data, size_t count, uint8_t digest[20]);

/* Writes the base64 of the data, without a zero behind it; returns its length. */
size_t benchmark_base64_encode(char *text, const uint8_t *data, size_t count);
