// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.format.Schemas;
import io.kronstream.connectors.format.UndecodableException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.flink.core.fs.Path;

/**
 * The schemas in the heads of Avro files, by the places of the files.
 *
 * @param names of the files
 */
public record AvroFileSchemas(List<String> names) implements Schemas {
    public AvroFileSchemas {
        names = new ArrayList<>(names);
    }

    @Override
    public Lookup lookup() {
        return new OneFile();
    }

    /** Files are read one after the other, so one schema is enough. */
    private final class OneFile implements Lookup {
        private int file = AvroBlocks.BROKEN;
        private Schema schema;

        @Override
        public Schema schema(int number) throws UndecodableException {
            if (number == AvroBlocks.BROKEN) {
                throw new UndecodableException(
                        "malformed", "A block of the Avro file is broken: it cannot be read" + " from here to its end");
            }
            if (number < 0 || number >= names.size()) {
                throw new UndecodableException("schema", "There is no file " + number);
            }
            if (number != file) {
                Path path = new Path(names.get(number));
                try {
                    schema = AvroBlocks.schema(path.getFileSystem().open(path));
                } catch (IOException e) {
                    throw new ConnectorException("Cannot read " + path + ": " + e.getMessage());
                }
                file = number;
            }
            return schema;
        }
    }
}
