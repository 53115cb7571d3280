// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Reads and writes the small YAML documents that users configure a job with. */
public final class YamlFile {
    /** Longer files are refused. */
    static final int MAX_BYTES = 1 << 20;

    private static final ObjectMapper YAML = new ObjectMapper(YAMLFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                    .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                    .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private YamlFile() {}

    /**
     * The mapping in a file.
     *
     * @throws InvalidSettingsException if it cannot be read, is longer than {@value #MAX_BYTES} bytes, or is not one
     *     YAML mapping
     */
    public static ObjectNode read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return read(file.toString(), in);
        } catch (IOException e) {
            throw new InvalidSettingsException(
                    file.toString(), List.of(Files.exists(file) ? "cannot be read" : "there is no such file"));
        }
    }

    /** As {@link #read(Path)}, from an open stream; {@code source} names it in messages. */
    public static ObjectNode read(String source, InputStream in) throws IOException {
        byte[] bytes = in.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
            throw new InvalidSettingsException(source, List.of("is longer than " + MAX_BYTES + " bytes"));
        }
        return parse(source, new String(bytes, StandardCharsets.UTF_8));
    }

    /** As {@link #read(Path)}, from text. */
    public static ObjectNode parse(String source, String text) {
        JsonNode tree;
        try {
            tree = YAML.readTree(text);
        } catch (JsonProcessingException e) {
            String where =
                    e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
            throw new InvalidSettingsException(
                    source, List.of("is not valid YAML" + where + ": " + firstLine(e.getOriginalMessage())));
        }
        if (tree instanceof ObjectNode mapping) {
            return mapping;
        }
        throw new InvalidSettingsException(source, List.of("must be a YAML mapping of names to values"));
    }

    public static ObjectNode mapping() {
        return YAML.createObjectNode();
    }

    public static String text(ObjectNode mapping) {
        try {
            return YAML.writeValueAsString(mapping);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String firstLine(String message) {
        return message == null ? "unreadable" : message.lines().findFirst().orElse("unreadable");
    }
}
