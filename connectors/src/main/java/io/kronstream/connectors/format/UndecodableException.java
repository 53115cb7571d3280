// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

/** A record cannot be decoded. It carries no stack trace: bad records may come in millions. */
public final class UndecodableException extends Exception {
    private final String reason;

    /**
     * @param reason class of the reason, one lower-case word
     * @param sentence one readable sentence that names the column
     */
    public UndecodableException(String reason, String sentence) {
        super(sentence, null, false, false);
        this.reason = reason;
    }

    /** The same, where the record holds several rows; they are numbered from 1. */
    public UndecodableException atRow(int number) {
        return new UndecodableException(reason, "Row " + number + ": " + sentence());
    }

    public String reason() {
        return reason;
    }

    public String sentence() {
        return getMessage();
    }
}
