// SPDX-License-Identifier: Apache-2.0
/**
 * The Flink sources and sinks at the ends of the job. The form of every record that leaves the job is decided here.
 */
package io.kronstream.connectors.ends;
