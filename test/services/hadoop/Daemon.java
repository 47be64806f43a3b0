import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.apache.hadoop.net.StandardSocketFactory;

/** Runs one of Hadoop's programs, and ends it when whoever started it is gone: then standard input ends. */
public final class Daemon {
  private Daemon() {}

  public static void main(String[] args) throws Exception {
    Thread watch = new Thread(Daemon::waitForEnd, "parent");
    watch.setDaemon(true);
    watch.start();
    String[] rest = java.util.Arrays.copyOfRange(args, 1, args.length);
    Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
  }

  private static void waitForEnd() {
    try {
      while (System.in.read() >= 0) {}
    } catch (IOException e) {
      // the same as its end
    }
    Runtime.getRuntime().halt(0);
  }

  /** The NameNode takes a DataNode's address from where its calls come from, so on loopback they must come from the address that the DataNode has. */
  public static final class FromOwnAddress extends StandardSocketFactory {
    @Override
    public Socket createSocket() throws IOException {
      Socket socket = super.createSocket();
      socket.bind(new InetSocketAddress(InetAddress.getByName(System.getProperty("heddle.address")), 0));
      return socket;
    }
  }
}
