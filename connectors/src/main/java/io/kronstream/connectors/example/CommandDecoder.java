// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.kronstream.connectors.format.Sentences;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Command;
import io.kronstream.learner.Example;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Commands as JSON objects, in records of the examples topic that carry the header {@value #HEADER}, whatever its value.
 * Fields: {@code command} (pause, resume, publish, set, retire); {@code model}, which may be missing where the job has but
 * one; {@code at-step}; {@code name} and {@code value} of what is set, the value a number, a text, a flag or null; {@code id},
 * by which repetitions are known, or else every record counts. Whatever else there is, is refused with the reason {@code
 * control}: a misspelt field must not change what a command means.
 */
public final class CommandDecoder {
    /** Marks a record as a command. */
    public static final String HEADER = "kronstream-control";

    /** Most bytes of a command. */
    static final int MAX_BYTES = 8 << 10;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(2)
                    .maxStringLength(MAX_BYTES)
                    .maxNumberLength(Command.MAX_TEXT)
                    .maxNameLength(Command.MAX_TEXT)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();

    private CommandDecoder() {}

    /**
     * The command of a record.
     *
     * @param defaultModel the model if the record names none, or null if it must
     */
    static Example decode(RawRecord raw, String defaultModel) throws UndecodableException {
        byte[] value = raw.value();
        if (value == null || value.length == 0) {
            throw refused("The record has no value");
        }
        if (value.length > MAX_BYTES) {
            throw refused("The record has " + value.length + " bytes, a command at most " + MAX_BYTES);
        }
        try (JsonParser json = JSON.createParser(new String(value, StandardCharsets.UTF_8))) {
            return new Fields(json).example(raw, defaultModel);
        } catch (JsonProcessingException e) {
            throw refused("The record is no JSON object: " + Sentences.cut(e.getOriginalMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException("Bytes can always be read from memory", e);
        }
    }

    /** The record's value that {@link #decode} reads back. */
    public static byte[] encode(String model, Command command) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            json.writeStringField("model", model);
            json.writeStringField("command", command.kind().name().toLowerCase(Locale.ROOT));
            if (command.atStep() > 0) {
                json.writeNumberField("at-step", command.atStep());
            }
            if (command.kind() == Command.Kind.SET) {
                json.writeStringField("name", command.name());
                json.writeStringField("value", command.value()); // null for the job's own
            }
            json.writeStringField("id", command.id());
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("Bytes can always be written to memory", e);
        }
        return bytes.toByteArray();
    }

    private static UndecodableException refused(String sentence) {
        return new UndecodableException("control", sentence);
    }

    /** What the fields of one record say. */
    private static final class Fields {
        private final JsonParser json;
        private String model;
        private Command.Kind kind;
        private String id;
        private long atStep;
        private String name = "";
        private String value;
        private boolean hasValue;

        Fields(JsonParser json) {
            this.json = json;
        }

        Example example(RawRecord raw, String defaultModel) throws IOException, UndecodableException {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw refused("A command must be a JSON object");
            }
            for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
                read(field, json.nextToken());
            }
            if (json.nextToken() != null) {
                throw refused("There is something after the command");
            }
            if (model == null && defaultModel == null) {
                throw refused("The command names no 'model', and the job has several");
            }
            if (kind == null) {
                throw refused("The record names no 'command'; these are " + kinds());
            }
            if (kind == Command.Kind.SET && !hasValue) {
                throw refused("'set' needs a 'value': null for that of the job");
            }
            if (kind != Command.Kind.SET && hasValue) {
                throw refused("Only 'set' has a 'value'");
            }
            String known = id == null ? "offset " + raw.source() + ":" + raw.offset() : id;
            try {
                return Example.command(
                        model == null ? defaultModel : model,
                        raw.source(),
                        raw.offset(),
                        raw.timestamp(),
                        new Command(known, kind, atStep, name, value));
            } catch (IllegalArgumentException e) {
                throw refused(e.getMessage());
            }
        }

        private void read(String field, JsonToken token) throws IOException, UndecodableException {
            switch (field) {
                case "model" -> {
                    model = text(field, token);
                    int bytes = model.getBytes(StandardCharsets.UTF_8).length;
                    if (bytes == 0 || bytes > ExampleDecoder.MAX_MODEL_BYTES) {
                        throw refused(
                                "'model' must have 1 to " + ExampleDecoder.MAX_MODEL_BYTES + " bytes, has " + bytes);
                    }
                }
                case "command" -> kind = kind(text(field, token));
                case "id" -> id = text(field, token);
                case "name" -> name = text(field, token);
                case "at-step" -> {
                    if (token != JsonToken.VALUE_NUMBER_INT || json.getValueAsLong(0) < 1) {
                        throw refused("'at-step' must be a whole number from 1 on");
                    }
                    atStep = json.getValueAsLong();
                }
                case "value" -> {
                    if (!token.isScalarValue()) {
                        throw refused("'value' must be a number, a text, true, false or null");
                    }
                    hasValue = true;
                    value = token == JsonToken.VALUE_NULL ? null : json.getText();
                }
                default -> throw refused("A command has no field " + Sentences.quote(field)
                        + "; it has model, command, at-step, name, value and id");
            }
        }

        private String text(String field, JsonToken token) throws IOException, UndecodableException {
            if (token != JsonToken.VALUE_STRING) {
                throw refused("'" + field + "' must be a text");
            }
            return json.getText();
        }

        private static Command.Kind kind(String word) throws UndecodableException {
            for (Command.Kind kind : Command.Kind.values()) {
                if (kind.name().toLowerCase(Locale.ROOT).equals(word)) {
                    return kind;
                }
            }
            throw refused("There is no command " + Sentences.quote(word) + "; these are " + kinds());
        }

        private static String kinds() {
            return Arrays.stream(Command.Kind.values())
                    .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "));
        }
    }
}
