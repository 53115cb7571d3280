// SPDX-License-Identifier: Apache-2.0
/**
 * The whole product on one machine: a broker, a cluster, a stream, the job, somebody who watches, and somebody who kills.
 * Here they are wired; each of them lives elsewhere.
 */
package io.kronstream.jobs.demo;
