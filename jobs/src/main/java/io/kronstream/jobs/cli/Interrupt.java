// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a command end in order when the user presses Ctrl-C or the process is asked to end; a second time ends it at once.
 * A shutdown hook would not do: Flink's own hooks run beside it and take the cluster away. The class that receives signals
 * is reached by reflection, since the compiler warns of it and not every JDK need have it.
 */
final class Interrupt {
    private static final Logger LOG = LoggerFactory.getLogger(Interrupt.class);
    private static final int ENDED_BY_SIGNAL = 128;

    private Interrupt() {}

    /** Calls this, once, when the process is asked to end. */
    static void on(Runnable ask) {
        AtomicBoolean asked = new AtomicBoolean();
        for (String name : List.of("INT", "TERM")) {
            try {
                Class<?> signal = Class.forName("sun.misc.Signal");
                Class<?> handler = Class.forName("sun.misc.SignalHandler");
                Object receiver = Proxy.newProxyInstance(
                        Interrupt.class.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                            if (!method.getName().equals("handle")) {
                                return method.invoke(ask, arguments);
                            }
                            if (asked.compareAndSet(false, true)) {
                                ask.run();
                            } else {
                                Runtime.getRuntime()
                                        .halt(ENDED_BY_SIGNAL
                                                + (Integer) signal.getMethod("getNumber")
                                                        .invoke(arguments[0]));
                            }
                            return null;
                        });
                signal.getMethod("handle", signal, handler)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), receiver);
            } catch (ReflectiveOperationException | RuntimeException e) {
                LOG.info("Signal {} cannot be received here: it ends the process at once", name, e);
            }
        }
    }
}
