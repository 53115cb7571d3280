// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdScalarSerializer;
import io.kronstream.learner.ControlState;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.PublishedModel;
import io.kronstream.network.LayerSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a version of a model is and what it is made of. It is written after its chunks; as a record it is JSON, with its
 * properties in the order given here, so that equal versions have equal bytes.
 *
 * @param layout form of manifest and chunks, {@value #LAYOUT}
 * @param model id of the model
 * @param version from 1
 * @param step optimizer steps taken
 * @param examples examples learned from
 * @param trainedFrom for each partition the offset of the first record that the learner took; empty if not known
 * @param trainedThrough for each partition the offset of the last record that the learner took
 * @param finished whether the end of the stream closed the last mini-batch
 * @param mode {@code ordered} or {@code arrival}
 * @param configuration digest of the learner's configuration
 * @param fingerprint numerics fingerprint
 * @param learner what the model is and how it learns: what a reader needs besides the payload; may be null
 * @param modelDigest SHA-256 (hex) over all parameters and optimizer state
 * @param payloadBytes length of the payload
 * @param payloadSha256 SHA-256 (hex) of the payload
 * @param reference URI of the file that holds the payload of a model too large for the topic; else null
 * @param control how commands have left the model; null if it was never given any
 * @param chunks the payload's pieces in order; none if there is a reference
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@JsonPropertyOrder({
    "layout",
    "model",
    "version",
    "step",
    "examples",
    "trainedFrom",
    "trainedThrough",
    "finished",
    "mode",
    "configuration",
    "fingerprint",
    "learner",
    "modelDigest",
    "payloadBytes",
    "payloadSha256",
    "reference",
    "control",
    "chunks"
})
public record ModelManifest(
        int layout,
        String model,
        long version,
        long step,
        long examples,
        SortedMap<Integer, Long> trainedFrom,
        SortedMap<Integer, Long> trainedThrough,
        boolean finished,
        String mode,
        String configuration,
        String fingerprint,
        LearnerSettings learner,
        String modelDigest,
        long payloadBytes,
        String payloadSha256,
        String reference,
        ControlState control,
        List<Chunk> chunks) {

    /**
     * One piece of the payload.
     *
     * @param index from 0
     * @param bytes its length, at least 1
     * @param sha256 SHA-256 (hex) of its bytes
     */
    @JsonPropertyOrder({"index", "bytes", "sha256"})
    public record Chunk(int index, int bytes, String sha256) {}

    static final int LAYOUT = 1;

    /** Bytes of the largest payload that a reader puts together. */
    public static final long MAX_PAYLOAD_BYTES = 1L << 30;

    private static final int MAX_MANIFEST_BYTES = 1 << 20;

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(16)
                            .maxStringLength(64 << 10)
                            .maxNameLength(1024)
                            .maxNumberLength(32)
                            .maxDocumentLength(MAX_MANIFEST_BYTES)
                            .build())
                    .build())
            .registerModule(layersAsText())
            .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
            .configure(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES, true)
            .configure(DeserializationFeature.FAIL_ON_TRAILING_TOKENS, true);

    /** A network's layers are written as in a job's file. */
    private static SimpleModule layersAsText() {
        return new SimpleModule()
                .addSerializer(LayerSpec.class, new StdScalarSerializer<LayerSpec>(LayerSpec.class) {
                    private static final long serialVersionUID = 1;

                    @Override
                    public void serialize(LayerSpec layer, JsonGenerator out, SerializerProvider provider)
                            throws IOException {
                        out.writeString(layer.text());
                    }
                })
                .addDeserializer(LayerSpec.class, new StdScalarDeserializer<LayerSpec>(LayerSpec.class) {
                    private static final long serialVersionUID = 1;

                    @Override
                    public LayerSpec deserialize(JsonParser in, DeserializationContext context) throws IOException {
                        List<LayerSpec> layers = LayerSpec.parse(in.getValueAsString(""));
                        if (layers.size() != 1) {
                            throw new IllegalArgumentException("A layer of the manifest's network is none");
                        }
                        return layers.get(0);
                    }
                });
    }

    public ModelManifest {
        trainedFrom = trainedFrom == null
                ? Collections.emptySortedMap()
                : Collections.unmodifiableSortedMap(new TreeMap<>(trainedFrom));
        trainedThrough = Collections.unmodifiableSortedMap(new TreeMap<>(trainedThrough));
        chunks = List.copyOf(chunks);
    }

    static ModelManifest of(PublishedModel published, LearnerSettings learner, String reference, List<Chunk> chunks) {
        return new ModelManifest(
                LAYOUT,
                published.model(),
                published.version(),
                published.step(),
                published.examples(),
                published.trainedFrom(),
                published.trainedThrough(),
                published.finished(),
                published.mode(),
                published.configuration(),
                published.fingerprint(),
                learner,
                published.modelDigest(),
                published.payload().length,
                published.payloadSha256(),
                reference,
                published.control().equals(ControlState.NONE) ? null : published.control(),
                chunks);
    }

    /** It as the record has it. */
    public String json() {
        return new String(toBytes(), StandardCharsets.UTF_8);
    }

    byte[] toBytes() {
        try {
            return JSON.writeValueAsBytes(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A manifest can always be written as JSON", e);
        }
    }

    /** @throws IllegalArgumentException if these bytes are no manifest that this code reads */
    static ModelManifest fromBytes(byte[] bytes) {
        if (bytes.length > MAX_MANIFEST_BYTES) {
            throw new IllegalArgumentException(
                    "A manifest has at most " + MAX_MANIFEST_BYTES + " bytes, this one " + bytes.length);
        }
        ModelManifest manifest;
        try {
            manifest = JSON.readValue(bytes, ModelManifest.class);
        } catch (IOException | RuntimeException e) {
            throw new IllegalArgumentException("The manifest is malformed: " + e.getMessage());
        }
        if (manifest == null) {
            throw new IllegalArgumentException("The manifest is malformed: it is null");
        }
        manifest.check();
        return manifest;
    }

    private void check() {
        if (layout != LAYOUT) {
            throw new IllegalArgumentException(
                    "Manifest layout " + layout + " is not this reader's " + LAYOUT + "; upgrade the reader");
        }
        if (model == null || modelDigest == null || payloadSha256 == null || version < 1) {
            throw new IllegalArgumentException("The manifest names no model, version or digest");
        }
        long bytes = 0;
        for (int i = 0; i < chunks.size(); i++) {
            Chunk chunk = chunks.get(i);
            if (chunk.index() != i || chunk.bytes() < 1 || chunk.sha256() == null) {
                throw new IllegalArgumentException("The manifest's chunk " + i + " is malformed");
            }
            bytes += chunk.bytes();
        }
        if (reference != null && chunks.isEmpty() && payloadBytes >= 0) {
            bytes = payloadBytes;
        }
        if (bytes != payloadBytes || bytes > MAX_PAYLOAD_BYTES) {
            throw new IllegalArgumentException("The manifest's chunks have " + bytes + " bytes, its payload "
                    + payloadBytes + ", at most " + MAX_PAYLOAD_BYTES + " are read");
        }
    }
}
