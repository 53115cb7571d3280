// SPDX-License-Identifier: Apache-2.0
/**
 * Files of lines or of Avro as a bounded stream of records: one file after the other, in one order, on any file system that
 * Flink knows. The job reads them through {@link io.kronstream.connectors.file.FileRecords}, who checks a job directly.
 */
package io.kronstream.connectors.file;
