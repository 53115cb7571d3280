// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.ConnectorException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Payloads that a manifest refers to: files that this machine reaches by their path. */
final class ModelFiles {
    private ModelFiles() {}

    /**
     * The file's bytes; null if it is not there, as happens to versions that were followed by others, or is not as long
     * as the manifest says.
     *
     * @throws ConnectorException if this reader cannot read from where the file lies
     */
    static byte[] read(ModelManifest manifest) {
        try {
            URI uri = URI.create(manifest.reference());
            if (!"file".equals(uri.getScheme())) {
                throw new IllegalArgumentException("only 'file:' is read without further libraries");
            }
            Path file = Path.of(uri);
            return Files.size(file) == manifest.payloadBytes() ? Files.readAllBytes(file) : null;
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException | IllegalArgumentException e) {
            throw new ConnectorException("Version " + manifest.version() + " of model '" + manifest.model()
                    + "' lies in " + manifest.reference() + ", which cannot be read: " + e.getMessage());
        }
    }
}
