// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.learner.ServedModel;
import io.kronstream.network.LayerShape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/**
 * A version as a <a href="https://github.com/huggingface/safetensors">safetensors</a> file: the length of the header (8 bytes,
 * little-endian), the header (JSON, padded with spaces to a multiple of 8), the tensors. The tensors are {@code
 * parametersN} (F32; of a dense layer outputs x (inputs + 1), the bias last; then those of layer norms and tables) and {@code
 * payload} (U8), the version's own bytes, from which any reader of this library predicts. The header's metadata has the manifest and what the caller adds.
 */
public final class SafeTensors {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final long MAX_HEADER_BYTES = 4 << 20;

    private SafeTensors() {}

    /**
     * The bytes of the file.
     *
     * @param metadata further texts of the header, by name
     */
    public static byte[] write(ServedVersion version, StoredModel stored, Map<String, String> metadata) {
        ServedModel model = version.model();
        ObjectNode header = JSON.createObjectNode();
        ObjectNode texts = header.putObject("__metadata__");
        texts.put("format", "kronstream");
        texts.put("manifest", new String(version.manifest().toBytes(), StandardCharsets.UTF_8));
        metadata.forEach(texts::put);
        long at = 0;
        for (int i = 0; i < model.shapes().size(); i++) {
            LayerShape shape = model.shapes().get(i);
            at = declare(header, "parameters" + i, "F32", 4, at, shape.rows(), shape.columns());
        }
        at = declare(header, "payload", "U8", 1, at, stored.payload().length);
        byte[] text = padded(header);
        ByteBuffer file = ByteBuffer.allocate(Math.toIntExact(Long.BYTES + text.length + at))
                .order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(text.length).put(text);
        for (int i = 0; i < model.shapes().size(); i++) {
            for (float value : model.weights(i)) {
                file.putFloat(value);
            }
        }
        return file.put(stored.payload()).array();
    }

    /**
     * Reads the version from a file of {@link #write}.
     *
     * @throws IOException if it is no such file, or damaged
     */
    public static StoredModel read(InputStream in) throws IOException {
        byte[] length = in.readNBytes(Long.BYTES);
        if (length.length < Long.BYTES) {
            throw new IOException("The file is too short for a model");
        }
        long headerBytes =
                ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
            throw new IOException("The file is no model: its header has " + headerBytes + " bytes");
        }
        try {
            JsonNode header = JSON.readTree(in.readNBytes((int) headerBytes));
            JsonNode place = header.path("payload").path("data_offsets");
            long from = place.path(0).asLong(-1);
            long bytes = place.path(1).asLong(-1) - from;
            if (from < 0 || bytes < 0 || bytes > ModelManifest.MAX_PAYLOAD_BYTES) {
                throw new IOException("The file has no payload of a model");
            }
            ModelManifest manifest = ModelManifest.fromBytes(
                    header.path("__metadata__").path("manifest").asText().getBytes(StandardCharsets.UTF_8));
            in.skipNBytes(from);
            byte[] payload = in.readNBytes((int) bytes);
            if (!ModelChunk.sha256(payload).equals(manifest.payloadSha256())) {
                throw new IOException("The payload is not the one that the manifest names");
            }
            return new StoredModel(manifest, payload);
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new IOException("The file is no model: " + e.getMessage(), e);
        }
    }

    private static long declare(ObjectNode header, String name, String type, int size, long at, int... shape) {
        ObjectNode tensor = header.putObject(name).put("dtype", type);
        long bytes = size;
        var dimensions = tensor.putArray("shape");
        for (int dimension : shape) {
            dimensions.add(dimension);
            bytes *= dimension;
        }
        tensor.putArray("data_offsets").add(at).add(at + bytes);
        return at + bytes;
    }

    private static byte[] padded(ObjectNode header) {
        try {
            byte[] text = JSON.writeValueAsBytes(header);
            byte[] padded = new byte[(text.length + 7) / 8 * 8];
            Arrays.fill(padded, (byte) ' ');
            System.arraycopy(text, 0, padded, 0, text.length);
            return padded;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A header can always be written as JSON", e);
        }
    }
}
