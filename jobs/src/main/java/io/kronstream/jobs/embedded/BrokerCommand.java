// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream broker}. */
@Command(
        name = "broker",
        mixinStandardHelpOptions = true,
        description = "Runs a single Kafka broker for trying things out, until it is told to end (Ctrl-C, TERM).",
        sortOptions = false)
public final class BrokerCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--dir", required = true, paramLabel = "DIR", description = "Directory that keeps its data.")
    private Path dir;

    @Option(
            names = "--host",
            paramLabel = "HOST",
            defaultValue = Ports.LOOPBACK,
            description = "Address to listen on (default: ${DEFAULT-VALUE}, this machine only).")
    private String host;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "9092",
            description = "Port to listen on, 0 for a free one (default: ${DEFAULT-VALUE}).")
    private int port;

    @Override
    public Integer call() throws IOException, InterruptedException {
        EmbeddedBroker broker = EmbeddedBroker.start(dir, host, port);
        Runtime.getRuntime().addShutdownHook(new Thread(broker::close, "broker-close"));
        PrintWriter out = spec.commandLine().getOut();
        out.printf("Kafka broker at %s, data in %s; Ctrl-C ends it.%n", broker.bootstrap(), dir);
        out.flush();
        new CountDownLatch(1).await();
        return 0;
    }
}
