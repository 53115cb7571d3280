// SPDX-License-Identifier: Apache-2.0
/**
 * A Kafka broker and Flink clusters that the command line starts itself, in this JVM or as child processes, on loopback
 * only. Whatever needs to know how a broker or a cluster is configured, started, watched and ended belongs here; what
 * runs on them does not.
 */
package io.kronstream.jobs.embedded;
