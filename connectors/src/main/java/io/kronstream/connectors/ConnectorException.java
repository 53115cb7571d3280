// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

/** Something outside this process is not as it must be. The message is one sentence that a user can act on. */
public final class ConnectorException extends RuntimeException {
    public ConnectorException(String sentence) {
        super(sentence);
    }
}
