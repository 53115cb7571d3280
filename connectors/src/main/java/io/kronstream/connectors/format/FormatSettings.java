// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How the records of a topic hold rows.
 *
 * @param name the format
 * @param avroSchema for Avro, the schema of all values as JSON, or null
 * @param registry for Avro, address of the registry that knows the schema which each value names, or null
 * @param registryTimeout milliseconds in which the registry must answer
 */
public record FormatSettings(Name name, String avroSchema, String registry, long registryTimeout)
        implements Serializable {
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

    /** The formats. */
    public enum Name {
        CSV,
        JSON,
        AVRO
    }

    /** One that needs nothing to be said about it. */
    public static FormatSettings of(Name name) {
        return new FormatSettings(name, null, null, DEFAULT_TIMEOUT.toMillis());
    }

    /** Everything that is wrong, one sentence each; empty if nothing is. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (name != Name.AVRO) {
            if (avroSchema != null || registry != null) {
                problems.add("an Avro schema or a registry needs the format 'avro'");
            }
            return problems;
        }
        if ((avroSchema == null) == (registry == null)) {
            problems.add("the format 'avro' needs either a schema or a registry");
        } else {
            try {
                format();
            } catch (IllegalArgumentException e) {
                problems.add(e.getMessage());
            }
        }
        return problems;
    }

    /** The same where files are read: those of Avro hold their schema. */
    public List<String> problemsOfFiles() {
        if (name != Name.AVRO) {
            return problems();
        }
        return avroSchema == null && registry == null
                ? List.of()
                : List.of("files in 'avro' hold their schema, and need neither another nor a registry");
    }

    /** @throws IllegalArgumentException if there are {@link #problems()} */
    public RowFormat format() {
        return switch (name) {
            case CSV -> new CsvFormat();
            case JSON -> new JsonFormat();
            case AVRO -> registry == null
                    ? AvroFormat.ofSchema(avroSchema)
                    : AvroFormat.ofSchemas(
                            new SchemaRegistry(URI.create(registry), Duration.ofMillis(registryTimeout)));
        };
    }
}
